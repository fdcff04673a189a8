; MBM on the mantissas, whose lowest bit may be forced without truncation too.
;
; Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018, section on fp.

(define-fun is_corrected () Bool true)
(define-fun is_forced () Bool (or force_lsb (distinct truncation zero)))
(include "float_log.smt2")

; MBM: Mitchell's multiplier with a correction.
;
; Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018.

(define-fun is_corrected () Bool true)
(include "log.smt2")

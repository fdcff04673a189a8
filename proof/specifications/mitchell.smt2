; Mitchell's multiplier.
;
; Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.

(define-fun is_corrected () Bool false)
(include "log.smt2")

; Mitchell's multiplier on the mantissas.

(define-fun is_corrected () Bool false)
(define-fun is_forced () Bool (distinct truncation zero))
(include "float_log.smt2")

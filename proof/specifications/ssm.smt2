; SSM: the top m bits where any of the top width - m bits is set, else the low m bits.
;
; Ref: S. Narayanamoorthy et al., IEEE Trans. VLSI Systems 23(6), 2015.

(define-fun shift ((x Word)) Word
  (ite (= (bvlshr x m) zero) zero (bvsub width m)))
(include "segments.smt2")

; SSM: the top m bits where any of the top width - m bits is set, else the low m bits.
;
; Ref: S. Narayanamoorthy et al., IEEE Trans. VLSI Systems 23(6), 2015.

(define-fun top () Word (bvsub width m))
(define-fun is_small ((x Word)) Bool (= (bvlshr x m) zero))
(define-fun shift ((x Word)) Word (ite (is_small x) zero top))
(define-fun segment ((x Word)) Word (ite (is_small x) x (bvlshr x top)))
(include "segments.smt2")

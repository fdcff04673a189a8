; ESSM: of the low, the middle and the top m bits the lowest ones that hold the leading one.
;
; Ref: S. Narayanamoorthy et al., IEEE Trans. VLSI Systems 23(6), 2015.

(define-fun top () Word (bvsub width m))
(define-fun middle () Word (bvlshr top one))
(define-fun holds ((x Word) (start Word)) Bool (= (bvlshr x (bvadd start m)) zero))
; What the middle segment does not hold, the low one does not hold either.
(define-fun shift ((x Word)) Word
  (ite (holds x middle) (ite (holds x zero) zero middle) top))
(define-fun segment ((x Word)) Word
  (ite (holds x middle) (ite (holds x zero) x (bvlshr x middle)) (bvlshr x top)))
(include "segments.smt2")

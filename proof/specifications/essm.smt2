; ESSM: of the low, the middle and the top m bits the lowest ones that hold the leading one.
;
; Ref: S. Narayanamoorthy et al., IEEE Trans. VLSI Systems 23(6), 2015.

(define-fun top () Word (bvsub width m))
(define-fun middle () Word (bvlshr top one))
(define-fun holds ((x Word) (start Word)) Bool (= (bvlshr x (bvadd start m)) zero))
(define-fun shift ((x Word)) Word
  (ite (holds x zero) zero (ite (holds x middle) middle top)))
(include "segments.smt2")

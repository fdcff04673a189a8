; ILM-EA: operands are rounded to the nearest power of two, ties up.
;
; Ref: M. S. Ansari, B. F. Cockburn, J. Han, IEEE Trans. Computers 70(4), 2021.

; Up from 3/2 of the power of the leading one on.
(define-fun exponent ((x Word)) Word
  (let ((k (leading_one x)))
    (ite (bvult (bvmul two x) (bvshl three k)) k (bvadd k one))))
(include "nearest_power.smt2")

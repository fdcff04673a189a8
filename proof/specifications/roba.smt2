; RoBA: operands are rounded to the nearest power of two, ties up, but 3 to 2.
;
; Ref: R. Zendegani et al., IEEE Trans. VLSI Systems 25(2), 2017.

; Up from 3/2 of the power of the leading one on.
(define-fun exponent ((x Word)) Word
  (let ((k (leading_one x)))
    (ite (or (= x three) (bvult (bvmul two x) (bvshl three k))) k (bvadd k one))))
(include "nearest_power.smt2")

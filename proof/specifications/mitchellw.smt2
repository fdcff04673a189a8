; Mitch-w: Mitchell's multiplier on operands that are cut to w bits.
;
; Ref: M. S. Kim et al., IEEE Trans. Computers 68(5), 2019.
(set-info :word 4)
(include "fraction.smt2")

(define-fun cut ((x Word)) Word
  (ite (bvult (leading_one x) w)
    x
    (let ((dropped (bvsub (bvadd (leading_one x) one) w)))
      (bvshl (bvlshr x dropped) dropped))))
(define-fun characteristic_a () Word (leading_one magnitude_a))
(define-fun characteristic_b () Word (leading_one magnitude_b))
(define-fun total () Word
  (bvadd
    (remainder (cut magnitude_a) characteristic_a)
    (remainder (cut magnitude_b) characteristic_b)))
(include "antilogarithm.smt2")

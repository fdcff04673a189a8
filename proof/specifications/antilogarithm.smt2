; Mitchell's antilogarithm of a sum of logarithms.
;
; In front of it stand characteristic_a, characteristic_b and total, the sum of the fractions.

(define-fun mantissa () Word
  (ite (bvult total unit) (bvadd unit total) (bvmul two total)))
(define-fun magnitude () Word
  (ite is_zero zero (scaled mantissa (bvadd characteristic_a characteristic_b))))

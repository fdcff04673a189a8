; The product by operands that are rounded to powers of two: r(a) b + r(b) a - r(a) r(b).
;
; In front of it stands exponent, log2 of r.
(set-info :word 3)

(define-fun is_zero () Bool (or (= value_a zero) (= value_b zero)))
(define-fun exponent_a () Word (exponent magnitude_a))
(define-fun exponent_b () Word (exponent magnitude_b))
(define-fun magnitude () Word
  (ite is_zero
    zero
    (bvsub
      (bvadd (bvshl magnitude_b exponent_a) (bvshl magnitude_a exponent_b))
      (bvshl one (bvadd exponent_a exponent_b)))))

; From increment and mantissa to the product: the exponent, and the special values.

(define-fun exponent_sum () Word (bvsub (bvadd exponent_a exponent_b) exponent_bias))
(define-fun exponent () Word (bvadd exponent_sum increment))

; An exponent field of 0 is a zero, its mantissa is not looked at.
(define-fun is_zero_a () Bool (= exponent_a zero))
(define-fun is_zero_b () Bool (= exponent_b zero))
(define-fun is_special_a () Bool (= exponent_a exponent_max))
(define-fun is_special_b () Bool (= exponent_b exponent_max))
(define-fun is_infinite_a () Bool (and is_special_a (= mantissa_a zero)))
(define-fun is_infinite_b () Bool (and is_special_b (= mantissa_b zero)))
(define-fun is_nan_a () Bool (and is_special_a (not is_infinite_a)))
(define-fun is_nan_b () Bool (and is_special_b (not is_infinite_b)))

(define-fun is_nan () Bool
  (or is_nan_a is_nan_b (and is_infinite_a is_zero_b) (and is_zero_a is_infinite_b)))
(define-fun is_zero () Bool
  (or is_zero_a is_zero_b (bvslt exponent_sum zero) (= exponent zero)))
(define-fun is_infinite () Bool
  (or is_infinite_a is_infinite_b (bvsge exponent exponent_max)))

(define-fun infinity () Word (bvshl exponent_max mantissa_bits))
(define-fun quiet_nan () Word (bvor infinity (bvlshr unit one)))
(define-fun sign () Word
  (bvshl (bvxor (sign_of value_a) (sign_of value_b)) (bvadd exponent_bits mantissa_bits)))
(define-fun number () Word (bvor (bvshl exponent mantissa_bits) mantissa))
(define-fun product () Word
  (ite is_nan
    quiet_nan
    (bvor sign (ite (and is_zero (not is_infinite_a) (not is_infinite_b)) zero
      (ite is_infinite infinity number)))))

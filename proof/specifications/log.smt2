; Mitchell's multiplier and MBM: the definition, for all widths, truncations and signs.
;
; Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
; Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018.
;
; In front of it stand the sort Word, four times as wide as an operand, so that nothing is ever cut;
; the parameters width, truncation, is_forced (if truncated) and is_corrected (MBM); the operands'
; values value_a and value_b; and leading_one, the position of a number's leading one.

(define-fun fraction_width () Word (bvsub width one))
(define-fun unit () Word (bvshl one fraction_width))
(define-fun product_width () Word (bvmul two width))

; Sign and magnitude.
(define-fun negative_a () Bool (bvslt value_a zero))
(define-fun negative_b () Bool (bvslt value_b zero))
(define-fun magnitude_a () Word (ite negative_a (bvneg value_a) value_a))
(define-fun magnitude_b () Word (ite negative_b (bvneg value_b) value_b))

; The logarithm: characteristic, and the bits below the leading one as a left-aligned fraction. A
; truncated fraction has the lowest bit that is kept set.
(define-fun remainder ((x Word) (k Word)) Word
  (bvand (bvshl x (bvsub fraction_width k)) (bvsub unit one)))
(define-fun kept ((fraction Word)) Word
  (bvshl (bvor (bvlshr fraction truncation) (ite is_forced one zero)) truncation))
(define-fun characteristic_a () Word (leading_one magnitude_a))
(define-fun characteristic_b () Word (leading_one magnitude_b))
(define-fun fraction_a () Word (kept (remainder magnitude_a characteristic_a)))
(define-fun fraction_b () Word (kept (remainder magnitude_b characteristic_b)))

; The sum of the logarithms.
(define-fun total () Word (bvadd fraction_a fraction_b))
(define-fun carry () Word (bvlshr total fraction_width))
(define-fun fraction () Word (bvand total (bvsub unit one)))
(define-fun characteristic () Word (bvadd characteristic_a characteristic_b carry))

; MBM's constant: 10/128, halved on a carry, aligned to the fraction, cut to the bits kept.
(define-fun halved () Word (bvlshr (ite is_corrected ten zero) carry))
(define-fun aligned () Word
  (ite (bvuge fraction_width seven)
    (bvshl halved (bvsub fraction_width seven))
    (bvlshr halved (bvsub seven fraction_width))))
(define-fun correction () Word (bvshl (bvlshr aligned truncation) truncation))
(define-fun corrected () Word (bvadd fraction correction))

; The antilogarithm of a linear significand 1 + m / unit, rounded down.
(define-fun power ((m Word)) Word
  (bvlshr (bvshl (bvadd unit m) characteristic) fraction_width))

; The overflow corner: there the correction is left out.
(define-fun overflow () Bool
  (and (= characteristic (bvsub product_width one)) (bvuge corrected unit)))
(define-fun limited () Word (ite overflow fraction corrected))

; The small-product corner: 1 is given back where the shift drops the correction.
(define-fun small () Bool (and is_corrected (= carry one) (bvule characteristic six)))

(define-fun is_zero () Bool (or (= value_a zero) (= value_b zero)))
(define-fun magnitude () Word
  (ite is_zero zero (bvadd (power limited) (ite small one zero))))
(define-fun product () Word
  (ite (xor negative_a negative_b) (bvneg magnitude) magnitude))

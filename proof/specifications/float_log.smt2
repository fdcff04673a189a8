; Mitchell's multiplier and MBM on the mantissas: the sum of the fractions, and the correction.
;
; Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018, section on fp.
;
; In front of it stand is_forced and is_corrected.

; A truncated mantissa, or a forced one, has the lowest bit that is kept set.
(define-fun kept ((mantissa Word)) Word
  (bvshl (bvor (bvlshr mantissa truncation) (ite is_forced one zero)) truncation))
(define-fun total () Word (bvadd (kept mantissa_a) (kept mantissa_b)))
(define-fun carry () Word (bvlshr total mantissa_bits))
(define-fun fraction () Word (bvand total (bvsub unit one)))

; MBM's constant: 10/128, halved on a carry, aligned to the mantissa, cut to the bits kept.
(define-fun halved () Word (bvlshr (ite is_corrected ten zero) carry))
(define-fun aligned () Word
  (ite (bvuge mantissa_bits seven)
    (bvshl halved (bvsub mantissa_bits seven))
    (bvlshr halved (bvsub seven mantissa_bits))))
(define-fun correction () Word (bvshl (bvlshr aligned truncation) truncation))
(define-fun corrected () Word (bvadd fraction correction))

; After a carry there is no second one: there the correction is left out instead.
(define-fun limited () Word
  (ite (and (= carry one) (bvuge corrected unit)) fraction corrected))
(define-fun overflow () Word (bvlshr limited mantissa_bits))
(define-fun mantissa () Word
  (ite (= overflow one)
    (bvand (bvlshr (bvadd unit limited) one) (bvsub unit one))
    limited))
(define-fun increment () Word (bvadd carry overflow))

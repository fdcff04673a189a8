; The corrected sum of the logarithms, and its antilogarithm with two corners.
;
; In front of it stand the sum (logarithm.smt2), is_corrected, correction, and small_characteristic.

(define-fun corrected () Word (bvadd fraction correction))

; The overflow corner: there the correction is left out.
(define-fun overflow () Bool
  (and (= characteristic (bvsub product_width one)) (bvuge corrected unit)))
(define-fun limited () Word (ite overflow fraction corrected))
(define-fun product_limit () Word (bvshl one (bvsub product_width (ite signed one zero))))
(define-fun claim_corner () Bool (= overflow (bvuge (power corrected) product_limit)))

; The small-product corner: 1 is given back where the shift drops the correction.
(define-fun small () Bool
  (and is_corrected (= carry one) (bvule characteristic small_characteristic)))

(define-fun magnitude () Word
  (ite is_zero zero (bvadd (power limited) (ite small one zero))))

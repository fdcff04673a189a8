; The exact product of the significands, 1 to 4 in units of 2 ** -(2 * mantissa_bits), rounded to the
; nearest, ties to even. `multiply` has just the bits that hold it: the claim says so.

(include "float_exact.py")
(define-fun significand_a () Word (bvadd unit mantissa_a))
(define-fun significand_b () Word (bvadd unit mantissa_b))
(define-fun claim_whole () Bool (is_whole significand_a significand_b))
(define-fun exact () Word (multiply significand_a significand_b))
(define-fun doubled () Word
  (ite (bvuge exact (bvshl two (bvshl mantissa_bits one))) one zero))
(define-fun dropped () Word (bvadd mantissa_bits doubled))
(define-fun floor () Word (bvlshr exact dropped))
(define-fun rest () Word (bvsub exact (bvshl floor dropped)))
(define-fun half () Word (bvshl one (bvsub dropped one)))
(define-fun is_up () Bool
  (or (bvugt rest half) (and (= rest half) (= (bvand floor one) one))))
(define-fun rounded () Word (ite is_up (bvadd floor one) floor))

; Rounding up to the next power of two leaves a mantissa of 0.
(define-fun overflow () Word (ite (= rounded (bvshl unit one)) one zero))
(define-fun mantissa () Word (bvand rounded (bvsub unit one)))
(define-fun increment () Word (bvadd doubled overflow))

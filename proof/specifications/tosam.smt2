; TOSAM: 1 + x + y + xy, the sum of t fraction bits each, the product of h bits each and a 1 behind.
;
; Ref: S. Vahdat et al., IEEE Trans. VLSI Systems 27(5), 2019.
(set-info :word 4)
(include "fraction.smt2")
(include "tosam_factors.py")

(define-fun highest ((x Word) (bits Word)) Word
  (bvlshr (remainder x (leading_one x)) (bvsub fraction_width bits)))
(define-fun rounded ((x Word)) Word (bvor (bvshl (highest x h) one) one))
(define-fun claim_whole () Bool (is_whole (rounded magnitude_a) (rounded magnitude_b)))

; In units that hold both: of the sum's bits, or of the product's.
(define-fun cross_width () Word (bvmul two (bvadd h one)))
(define-fun mantissa_width () Word (ite (bvuge t cross_width) t cross_width))
(define-fun total () Word
  (bvshl (bvadd (highest magnitude_a t) (highest magnitude_b t)) (bvsub mantissa_width t)))
(define-fun cross () Word
  (bvshl
    (multiply (rounded magnitude_a) (rounded magnitude_b))
    (bvsub mantissa_width cross_width)))
(define-fun mantissa () Word (bvadd (bvshl one mantissa_width) total cross))
(define-fun characteristic () Word (bvadd (leading_one magnitude_a) (leading_one magnitude_b)))
(define-fun magnitude () Word
  (ite is_zero zero (bvlshr (bvshl mantissa characteristic) mantissa_width)))

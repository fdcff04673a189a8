; REALM: Mitchell's multiplier with a factor by the segments of both fractions.
;
; Ref: H. Saadat et al., REALM, DATE 2020.
;
; Word is four times as wide as an operand, so that nothing is ever cut.
(set-info :word 4)
(include "logarithm.smt2")
(include "realm_factors.py")

; A fraction's segment: its highest bits, as many as m has behind its one.
(define-fun segment ((fraction Word)) Word (bvlshr (bvmul fraction m) fraction_width))

; The factor: aligned to the fraction, halved on a carry, cut to the bits kept.
(define-fun factor_width () Word (ite (bvule width eight) five six))
(define-fun factor () Word (factor_of (segment fraction_a) (segment fraction_b)))
(define-fun aligned () Word
  (bvlshr (bvshl factor fraction_width) (bvadd factor_width carry)))
(define-fun correction () Word (bvshl (bvlshr aligned truncation) truncation))

(define-fun is_corrected () Bool true)
(define-fun small_characteristic () Word five)
(include "corrected.smt2")

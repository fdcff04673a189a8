; Mitchell's logarithms of the magnitudes, cut to what truncation keeps.
;
; Parameters: width, truncation.

(include "fraction.smt2")

; The logarithm: characteristic, and the bits below the leading one as a left-aligned fraction. A
; truncated fraction has the lowest bit that is kept set.
(define-fun is_forced () Bool (distinct truncation zero))
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

; The antilogarithm of a linear significand 1 + m / unit, rounded down.
(define-fun power ((m Word)) Word (scaled (bvadd unit m) characteristic))

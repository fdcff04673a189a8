; The exact product of segments of m bits, which are shifted down by shift of an operand.
;
; Ref: S. Narayanamoorthy et al., IEEE Trans. VLSI Systems 23(6), 2015.
(include "segment_factors.py")

(define-fun segment ((x Word)) Word (bvlshr x (shift x)))
(define-fun claim_whole () Bool (is_whole (segment magnitude_a) (segment magnitude_b)))
(define-fun magnitude () Word
  (bvshl
    (multiply (segment magnitude_a) (segment magnitude_b))
    (bvadd (shift magnitude_a) (shift magnitude_b))))

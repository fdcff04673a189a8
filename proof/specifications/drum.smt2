; DRUM: the exact product of the k bits from each leading one on.
;
; Ref: S. Hashemi, R. I. Bahar, S. Reda, ICCAD 2015.
(include "drum_factors.py")

(define-fun shift ((x Word)) Word
  (ite (bvult (leading_one x) k) zero (bvsub (bvadd (leading_one x) one) k)))
; The lowest bit is set where bits were cut.
(define-fun segment ((x Word)) Word
  (bvor (bvlshr x (shift x)) (ite (bvult (leading_one x) k) zero one)))
(define-fun claim_whole () Bool (is_whole (segment magnitude_a) (segment magnitude_b)))
(define-fun magnitude () Word
  (bvshl
    (multiply (segment magnitude_a) (segment magnitude_b))
    (bvadd (shift magnitude_a) (shift magnitude_b))))

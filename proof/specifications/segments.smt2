; The exact product of segments of m bits: segment of an operand begins at the bit shift of it.
;
; Ref: S. Narayanamoorthy et al., IEEE Trans. VLSI Systems 23(6), 2015.
(include "segment_factors.py")

(define-fun claim_whole () Bool (is_whole (segment magnitude_a) (segment magnitude_b)))
; The claim says that this cuts nothing; the solver is faster with it.
(define-fun factor ((x Word)) Word (bvand (segment x) (bvsub (bvshl one m) one)))
(define-fun magnitude () Word
  (bvshl
    (multiply (factor magnitude_a) (factor magnitude_b))
    (bvadd (shift magnitude_a) (shift magnitude_b))))

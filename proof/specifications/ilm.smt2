; ILM: a basic block of the operands and one for each correction, of what the last block left.
;
; Ref: Z. Babic, A. Avramovic, P. Bulic, Microprocessors and Microsystems 35(1), 2011.

(define-fun residue ((x Word)) Word
  (ite (= x zero) zero (bvsub x (bvshl one (leading_one x)))))
(define-fun block ((x Word) (y Word)) Word
  (ite (or (= x zero) (= y zero))
    zero
    (bvadd
      (bvshl one (bvadd (leading_one x) (leading_one y)))
      (bvshl (residue x) (leading_one y))
      (bvshl (residue y) (leading_one x)))))

(define-fun a_1 () Word (residue magnitude_a))
(define-fun b_1 () Word (residue magnitude_b))
(define-fun a_2 () Word (residue a_1))
(define-fun b_2 () Word (residue b_1))
(define-fun correction ((number Word) (x Word) (y Word)) Word
  (ite (bvuge n number) (block x y) zero))
(define-fun magnitude () Word
  (bvadd
    (block magnitude_a magnitude_b)
    (correction one a_1 b_1)
    (correction two a_2 b_2)
    (correction three (residue a_2) (residue b_2))))

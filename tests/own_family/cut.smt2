; Operands without their lowest k bits; the exact product of these; 1 more with a bias.
(set-info :word 3)

(define-fun cut ((x Word)) Word (bvshl (bvlshr x k) k))
(define-fun exact () Word (bvmul (cut magnitude_a) (cut magnitude_b)))
(define-fun magnitude () Word (ite bias (bvadd exact one) exact))
(define-fun claim_below () Bool (bvule exact (bvmul magnitude_a magnitude_b)))

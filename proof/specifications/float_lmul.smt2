; LMul: the sum of the mantissas and an offset, which carries into the exponent.
;
; Ref: H. Luo, W. Sun, arXiv 2410.00907, 2024.

(define-fun length () Word
  (ite (bvule mantissa_bits three) mantissa_bits (ite (= mantissa_bits four) three four)))
(define-fun offset () Word (bvshl one (bvsub mantissa_bits length)))
(define-fun total () Word (bvadd mantissa_a mantissa_b offset))
(define-fun mantissa () Word (bvand total (bvsub unit one)))
(define-fun increment () Word (bvlshr total mantissa_bits))

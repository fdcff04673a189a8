; The fields of the operands: sign, exponent, mantissa.
;
; In front of it stand the sort Word, so wide that nothing is ever cut; the format's parameters
; exponent_bits and mantissa_bits; and the operands' patterns as numbers, value_a and value_b.

(define-fun unit () Word (bvshl one mantissa_bits))
(define-fun exponent_max () Word (bvsub (bvshl one exponent_bits) one))
(define-fun exponent_bias () Word (bvlshr exponent_max one))

(define-fun mantissa_of ((pattern Word)) Word (bvand pattern (bvsub unit one)))
(define-fun exponent_of ((pattern Word)) Word
  (bvand (bvlshr pattern mantissa_bits) exponent_max))
(define-fun sign_of ((pattern Word)) Word
  (bvlshr pattern (bvadd exponent_bits mantissa_bits)))
(define-fun mantissa_a () Word (mantissa_of value_a))
(define-fun mantissa_b () Word (mantissa_of value_b))
(define-fun exponent_a () Word (exponent_of value_a))
(define-fun exponent_b () Word (exponent_of value_b))

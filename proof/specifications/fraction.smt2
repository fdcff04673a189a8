; The bits below an operand's leading one as a left-aligned fraction, and the way back.
;
; Parameter: width.

(define-fun fraction_width () Word (bvsub width one))
(define-fun unit () Word (bvshl one fraction_width))
(define-fun product_width () Word (bvmul two width))
(define-fun remainder ((x Word) (k Word)) Word
  (bvand (bvshl x (bvsub fraction_width k)) (bvsub unit one)))

; mantissa / unit times two to the power of the characteristic, rounded down.
(define-fun scaled ((mantissa Word) (characteristic Word)) Word
  (bvlshr (bvshl mantissa characteristic) fraction_width))

(define-fun is_zero () Bool (or (= value_a zero) (= value_b zero)))

; Mitchell's multiplier with an approximate adder in the low m bits of the fractions: its upper part.
;
; Ref: W. Liu et al., IEEE Trans. Circuits and Systems I 65(9), 2018.
(set-info :word 4)
(include "fraction.smt2")

(define-fun characteristic_a () Word (leading_one magnitude_a))
(define-fun characteristic_b () Word (leading_one magnitude_b))
(define-fun fraction_a () Word (remainder magnitude_a characteristic_a))
(define-fun fraction_b () Word (remainder magnitude_b characteristic_b))
(define-fun lower_ones () Word (bvsub (bvshl one m) one))
(define-fun carry_in () Word
  (bvand (bvlshr fraction_a (bvsub m one)) (bvlshr fraction_b (bvsub m one)) one))
(define-fun upper_total () Word
  (bvshl (bvadd (bvlshr fraction_a m) (bvlshr fraction_b m) carry_in) m))

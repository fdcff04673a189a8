; DR-ALM: Mitchell's multiplier on t bits of each operand, the lowest one set, with a compensation.
;
; Ref: P. Yin et al., IEEE Trans. Sustainable Computing 6(4), 2021.
(set-info :word 4)
(include "fraction.smt2")

; The bit of the fractions that is the lowest of the t bits.
(define-fun lowest () Word (bvshl one (bvsub width t)))
(define-fun kept ((fraction Word)) Word (bvor (bvand fraction (bvneg lowest)) lowest))
(define-fun characteristic_a () Word (leading_one magnitude_a))
(define-fun characteristic_b () Word (leading_one magnitude_b))
(define-fun total () Word
  (bvadd
    (kept (remainder magnitude_a characteristic_a))
    (kept (remainder magnitude_b characteristic_b))
    lowest))
(include "antilogarithm.smt2")

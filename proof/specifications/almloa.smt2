; ALM-LOA: the low m bits of the sum of the fractions are their or.
;
; Ref: W. Liu et al., IEEE Trans. Circuits and Systems I 65(9), 2018.
(include "alm.smt2")

(define-fun total () Word
  (bvor upper_total (bvand (bvor fraction_a fraction_b) lower_ones)))
(include "antilogarithm.smt2")

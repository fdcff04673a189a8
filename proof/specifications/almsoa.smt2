; ALM-SOA: the low m bits of the sum of the fractions are ones.
;
; Ref: W. Liu et al., IEEE Trans. Circuits and Systems I 65(9), 2018.
(include "alm.smt2")

(define-fun total () Word (bvor upper_total lower_ones))
(include "antilogarithm.smt2")

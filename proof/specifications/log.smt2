; Mitchell's multiplier and MBM: the definition, for all widths, truncations and signs.
;
; Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
; Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018.
;
; In front of it stands is_corrected (MBM). Word is four times as wide as an operand, so that nothing
; is ever cut.
(set-info :word 4)
(include "logarithm.smt2")

; MBM's constant: 10/128, halved on a carry, aligned to the fraction, cut to the bits kept.
(define-fun halved () Word (bvlshr (ite is_corrected ten zero) carry))
(define-fun aligned () Word
  (ite (bvuge fraction_width seven)
    (bvshl halved (bvsub fraction_width seven))
    (bvlshr halved (bvsub seven fraction_width))))
(define-fun correction () Word (bvshl (bvlshr aligned truncation) truncation))
(define-fun small_characteristic () Word six)
(include "corrected.smt2")

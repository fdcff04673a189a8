; Sign and magnitude of the operands. A family defines `magnitude` of them.

(define-fun negative_a () Bool (bvslt value_a zero))
(define-fun negative_b () Bool (bvslt value_b zero))
(define-fun magnitude_a () Word (ite negative_a (bvneg value_a) value_a))
(define-fun magnitude_b () Word (ite negative_b (bvneg value_b) value_b))
(include "leading_one.py")

;; Few calls, each with a thousand values on the stack.
(func $wide (param $n i64) (result i64)
  (local $a i64) (local $b i64) (local $c i64) (local $d i64)
  (local.set $a (i64.add (local.get $n) (i64.const 1)))
  (local.set $b (call $wide (local.get $a)))
  (local.set $c (call $wide (local.get $b)))
  (local.set $d (call $wide (local.get $c)))
  (i64.add (i64.add (local.get $a) (local.get $b)) (i64.add (local.get $c) (local.get $d))))
(func $misdeed (drop (call $wide (i64.const 1))))

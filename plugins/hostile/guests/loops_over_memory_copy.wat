;; Each round is one instruction over 8 MiB: there are few places to stop at.
(memory $memory (export "memory") 300)
(func $misdeed
  (loop $ever
    (memory.copy (i32.const 1048576) (i32.const 9437184) (i32.const 8388608))
    (br $ever)))

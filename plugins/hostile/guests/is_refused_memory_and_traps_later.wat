;; For another reason: it had borne being refused.
(func $misdeed
  (drop (memory.grow (i32.const 65530)))
  (global.set $kind (i32.div_u (i32.const 1) (i32.const 0))))

;; 33 MiB.
(memory $memory (export "memory") 528)

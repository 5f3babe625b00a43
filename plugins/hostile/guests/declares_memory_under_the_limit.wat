;; 31 MiB.
(memory $memory (export "memory") 496)

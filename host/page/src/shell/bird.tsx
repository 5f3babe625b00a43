/** A godwit, standing. */
export function Bird() {
  return (
    <svg class="bird" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M23 5.4 13.8 7C12.9 5.300 11.300 4.500 9.600 4.900 8 5.300 7.200 6.700 7.400 8.300L2 13.500c3 .8 5.300 .6 7.200-.3l1.300 2.300v4h-2v1.300h4.800v-1.300H12V15l-1-2.300c2.200-1 3.400-2.700 3.300-4.500L23 5.400z" />
    </svg>
  );
}

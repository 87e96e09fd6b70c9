// A list of which only the visible part is in the document.
import { untrack } from 'svelte';
import { Virtualizer, elementScroll, measureElement, observeElementOffset, observeElementRect, type VirtualItem } from '@tanstack/virtual-core';

export interface VirtualOptions {
  count: () => number;
  scroller: () => HTMLElement | null | undefined;
  estimate: (index: number) => number;
  /** A key that stays with the row, so that its measured height does. */
  key?: (index: number) => string | number;
  overscan?: number;
  paddingStart?: number;
}

export class Virtual {
  items = $state.raw<VirtualItem[]>([]);
  total = $state(0);
  #slots = $state(32);
  readonly inner: Virtualizer<HTMLElement, HTMLElement>;

  /** Must be made while a component starts: it follows the counts in effects. */
  constructor(private options: VirtualOptions) {
    this.inner = new Virtualizer<HTMLElement, HTMLElement>(this.#settings(0));
    $effect(() => {
      const scroller = options.scroller();
      if (!scroller) return;
      const unmount = this.inner._didMount();
      return unmount;
    });
    $effect(() => {
      this.inner.setOptions(this.#settings(options.count()));
      if (!options.scroller()) return;
      this.inner._willUpdate();
      this.#read();
    });
  }

  #settings(count: number) {
    const o = this.options;
    return {
      count,
      getScrollElement: () => o.scroller() ?? null,
      estimateSize: o.estimate,
      getItemKey: o.key ?? ((i: number) => i),
      overscan: o.overscan ?? 6,
      paddingStart: o.paddingStart ?? 0,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      measureElement,
      onChange: () => this.#read(),
    };
  }

  #read() {
    const items = this.inner.getVirtualItems();
    let slots = untrack(() => this.#slots);
    while (items.length > slots) slots *= 2;
    this.#slots = slots;
    this.items = items;
    this.total = this.inner.getTotalSize();
  }

  /**
   * slot is the key of a row whose element may be used again for another row: filling one costs a
   * fraction of making one. For rows of one height that keep no state of their own.
   */
  slot(index: number): number {
    return index % this.#slots;
  }

  /** An attachment that measures a row of unknown height; the element has data-index. */
  measure = (node: HTMLElement) => {
    this.inner.measureElement(node);
    return () => this.inner.measureElement(null);
  };

  show(index: number, align: 'auto' | 'start' | 'center' | 'end' = 'auto') {
    this.inner.scrollToIndex(index, { align });
  }

  remeasure() {
    this.inner.measure();
  }
}

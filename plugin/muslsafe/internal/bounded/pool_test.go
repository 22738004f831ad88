package bounded

import "testing"

// TestPool puts more values back than a pool has room for, and takes them all.
func TestPool(t *testing.T) {
	p := NewPool[int](2)
	if v := p.Take(); v != nil {
		t.Errorf("an empty pool has %d", *v)
	}
	values := []int{1, 2, 3}
	for i := range values {
		p.Put(&values[i])
	}
	for _, want := range []*int{&values[1], &values[0], nil} {
		if got := p.Take(); got != want {
			t.Errorf("Take() = %v; want %v", got, want)
		}
	}
}

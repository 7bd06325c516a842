package metrics

import "sort"

// Hits counts requests by path.
type Hits struct {
	counts map[string]int
}

// NewHits returns an empty counter.
func NewHits() *Hits {
	return &Hits{counts: map[string]int{}}
}

// Paths returns the counted paths in order.
func (h *Hits) Paths() []string {
	paths := make([]string, 0, len(h.counts))
	for path := range h.counts {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	return paths
}

package feeds

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Feed is a source that people subscribed to.
type Feed struct {
	ID      int64
	URL     string
	Checked time.Time
	Alive   bool
}

// Due tells whether the feed has not been checked for an hour.
func (f *Feed) Due(now time.Time) bool {
	return now.Sub(f.Checked) >= time.Hour
}

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

// Check asks for the feed and notes whether it answered.
func (f *Feed) Check(ctx context.Context, client *http.Client, now time.Time) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return fmt.Errorf("feed %d: %w", f.ID, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("feed %d: %w", f.ID, err)
	}
	f.Checked = now
	f.Alive = resp.StatusCode < http.StatusBadRequest
	return nil
}

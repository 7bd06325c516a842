package upload

import (
	"context"
	"errors"
	"io"
	"time"
)

// Options tune an upload.
type Options struct {
	// Retries is how often a failed part is sent again.
	Retries int
	// Pause is the time between two attempts.
	Pause time.Duration
}

// Part is a piece of a file.
type Part struct {
	Number int
	Body   io.ReadSeeker
}

// Sender sends one part.
type Sender func(ctx context.Context, part Part) error

// Send sends a part, again while it fails.
func Send(ctx context.Context, send Sender, part Part, options Options) error {
	var failures []error
	for attempt := 0; attempt <= options.Retries; attempt++ {
		if _, err := part.Body.Seek(0, io.SeekStart); err != nil {
			return err
		}
		err := send(ctx, part)
		if err == nil {
			return nil
		}
		failures = append(failures, err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(options.Pause):
		}
	}
	return errors.Join(failures...)
}

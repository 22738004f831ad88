package epoch

import (
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       time.Time
		ok         bool
	}{
		{"not set", "", time.Unix(0, 0).UTC(), true},
		{"the date of a commit", "1795305600", time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), true},
		{"a date in words", "2026-11-22", time.Time{}, false},
		{"a fraction", "1.5", time.Time{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv(variable, tc.text)
			if got, err := Time(); !got.Equal(tc.want) || (err == nil) != tc.ok {
				t.Errorf("Time() = %v, %v; want %v", got, err, tc.want)
			}
		})
	}
}

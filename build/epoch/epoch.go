// Package epoch reads the time that release files carry in place of the time of their build.
package epoch

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// variable holds the time. See https://reproducible-builds.org/specs/source-date-epoch/.
const variable = "SOURCE_DATE_EPOCH"

// Time returns the time in SOURCE_DATE_EPOCH, in UTC, and 1970 if it is not set. It is an error if the variable is not a
// number of seconds.
func Time() (time.Time, error) {
	text := os.Getenv(variable)
	if text == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("invalid %s %q; expect seconds since 1970", variable, text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

package stub

import "fmt"

// An Errno is what getaddrinfo returns, or how it fails to return.
type Errno uint8

// The errors that a stub resolver can end with.
const (
	OK     Errno = iota
	NoName       // EAI_NONAME: there is no such name
	NoData       // EAI_NODATA: the name has no address
	Again        // EAI_AGAIN: no usable answer in time
	Fail         // EAI_FAIL: the server said something that the libc cannot use
	Crash        // the process dies (musl: "attempts:0" divides by zero)
	Hang         // the call does not return (glibc waits for TCP without a limit)
)

var errnoNames = [...]string{"OK", "EAI_NONAME", "EAI_NODATA", "EAI_AGAIN", "EAI_FAIL", "crash", "hang"}

// String returns the C name of the error.
func (e Errno) String() string {
	if int(e) < len(errnoNames) {
		return errnoNames[e]
	}
	return fmt.Sprintf("Errno(%d)", uint8(e))
}

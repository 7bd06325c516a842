package size

import (
	"fmt"
	"strconv"
	"strings"
)

var units = map[string]int64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

// Parse reads a size such as "10M" as bytes.
func Parse(text string) (int64, error) {
	digits := strings.TrimRight(text, "KMG")
	factor, known := units[text[len(digits):]]
	number, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || !known || number < 0 {
		return 0, fmt.Errorf("%q is no size", text)
	}
	return number * factor, nil
}

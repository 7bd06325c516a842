package size

import "testing"

func TestParse(t *testing.T) {
	tests := []struct {
		text string
		want int64
		fail bool
	}{
		{text: "0", want: 0},
		{text: "10", want: 10},
		{text: "10K", want: 10 * 1024},
		{text: "2G", want: 2 << 30},
		{text: "", fail: true},
		{text: "K", fail: true},
		{text: "-1", fail: true},
		{text: "10KM", fail: true},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got, err := Parse(test.text)
			if (err != nil) != test.fail {
				t.Fatalf("Parse(%q) fails with %v", test.text, err)
			}
			if got != test.want {
				t.Errorf("Parse(%q) = %d, want %d", test.text, got, test.want)
			}
		})
	}
}

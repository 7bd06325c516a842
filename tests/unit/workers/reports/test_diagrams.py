"""A diagram is written again from statements that only draw; anything else, and it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.reports.diagrams import MAX_LINES, safe_diagram

FLOW = """```mermaid
graph LR
  A[Order "placed"] --> B{Paid?}
  B -->|yes, at once| C(Ship it);
  B -.-> D
  subgraph later[Later on]
    D --- E
  end
```"""
SEQUENCE = """sequenceDiagram
  participant W as Web shop
  W->>Db: save(order) #quot;now#quot;
  alt it fails
    Db-->>W: error
  end
  Note over W,Db: see https://evil.example/x"""
STATES = "stateDiagram-v2\n[*] --> Open\nOpen --> [*]: <b>closed</b>"


def test_what_is_known_is_written_again() -> None:
    assert safe_diagram(FLOW).splitlines() == [
        "flowchart LR",
        '  A["Order placed"] --> B["Paid?"]',
        '  B -->|"yes, at once"| C["Ship it"]',
        "  B -.-> D",
        '  subgraph later["Later on"]',
        "  D --- E",
        "  end",
    ]
    assert safe_diagram(SEQUENCE).splitlines()[2] == "  W->>Db: save(order) quot now quot"
    assert safe_diagram(SEQUENCE).splitlines()[-1] == "  Note over W,Db: see evil.example/x"
    assert safe_diagram(STATES).splitlines()[-1] == "  Open --> [*]: b closed /b"
    assert safe_diagram("graph TD\nA-->B").splitlines()[-1] == "  A --> B"


@pytest.mark.parametrize(
    "line",
    [
        'click A "https://evil.example"',
        "click A call alert()",
        "A:::evil --> B",
        "style A fill:#f00",
        "classDef x fill:#f00",
        "linkStyle 0 stroke:red",
        "%%{init: {'securityLevel': 'loose'}}%%",
        "%% a comment",
        "---",
        'A["<img src=x onerror=alert(1)>"] & B --> C',
        "A@{ shape: image, img: 'https://evil.example/p.png' }",
        "A[[evil]] --> B",
        "end --> A",
        "subgraph one",
        "A --> ",
        "A[] --> B[ ]]",
        "href A evil",
        "/merge",
    ],
)
def test_a_line_that_does_more_than_draw_drops_the_diagram(line: str) -> None:
    assert safe_diagram(f"flowchart TD\nA --> B\n{line}") == ""
    assert safe_diagram(f"sequenceDiagram\nA->>B: x\n{line}") == ""
    assert safe_diagram(f"stateDiagram-v2\nA --> B\n{line}") == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pie\n A: 1",
        "mindmap\n root",
        "gitGraph\n commit",
        "flowchart TD",
        "flowchart TD\nA --> B\n" * 2,
        "flowchart TD\n" + "A --> B\n" * MAX_LINES,
        "flowchart TD\nA[" + "x" * 4000 + "] --> B",
        'sequenceDiagram\nlinks A: {"x": "https://evil.example"}',
        "sequenceDiagram\nA->>B: @",
    ],
)
def test_other_kinds_and_sizes_are_none(text: str) -> None:
    assert safe_diagram(text) == ""


@given(
    st.sampled_from(["flowchart TD", "sequenceDiagram", "stateDiagram-v2"]),
    st.lists(
        st.lists(
            st.sampled_from(
                ["A", "B", "-->", "->>", ":", "[", "]", '"', "|", "<script>", "`", "#", ";", "%%{",
                 "click", "@", "https://evil.example", " ", "é", "\u202e", "\n", "{", "}", "(", ")"]
            ),
            max_size=8,
        ).map("".join),
        max_size=5,
    ),
)  # fmt: skip
def test_nothing_that_acts_is_left(head: str, lines: list[str]) -> None:
    written = safe_diagram("\n".join([head, *lines]))
    for bad in ("<", "`", "#", ";", "%", "@", "://", "\u202e", "\\", "&"):
        assert bad not in written
    assert safe_diagram(written) in (written, ""), "it is what it says"

"""Node types of the tree-sitter grammars that the context is cut by (data).

`definitions` are what encloses a hunk and what a call leads to: functions, methods,
classes and their like. `imports` are whole statements. Where a grammar has one node type for
everything, `head` says how the text of a definition starts. `assigned` are queries for what is
a definition by its value alone, as `const f = () => {}`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nodes:
    definitions: tuple[str, ...]
    imports: tuple[str, ...] = ()
    head: str = ""  # a regular expression
    assigned: tuple[str, ...] = ()


def _nodes(
    definitions: str, imports: str = "", head: str = "", assigned: tuple[str, ...] = ()
) -> Nodes:
    return Nodes(tuple(definitions.split()), tuple(imports.split()), head, assigned)


_SCRIPT = "function_declaration generator_function_declaration method_definition class_declaration"
_TYPED = (
    f"{_SCRIPT} interface_declaration enum_declaration type_alias_declaration "
    "abstract_class_declaration"
)

#: Functions with a body of statements; what is one expression explains nothing that its line
#: does not show.
_WITH_BODY = "[(arrow_function body: (statement_block)) (function_expression)]"
_WRAPPED = f"(call_expression arguments: (arguments {_WITH_BODY}))"
_SCRIPT_ASSIGNED = (
    f"(variable_declarator value: {_WITH_BODY})",
    # As `memo(() => {})`, of a whole module only: within functions these are results.
    f"(program (lexical_declaration (variable_declarator value: {_WRAPPED}) @definition))",
    f"(program (export_statement (lexical_declaration (variable_declarator value: {_WRAPPED}) "
    "@definition)))",
    f"(assignment_expression left: (member_expression) right: {_WITH_BODY})",
)
_TYPED_ASSIGNED = (*_SCRIPT_ASSIGNED, f"(public_field_definition value: {_WITH_BODY})")

NODES: dict[str, Nodes] = {
    "bash": _nodes("function_definition"),
    "c": _nodes("function_definition struct_specifier enum_specifier", "preproc_include"),
    "clojure": _nodes("list_lit", head=r"\(def"),
    "cpp": _nodes(
        "function_definition class_specifier struct_specifier enum_specifier namespace_definition",
        "preproc_include using_declaration",
    ),
    "csharp": _nodes(
        "method_declaration constructor_declaration class_declaration struct_declaration "
        "interface_declaration record_declaration enum_declaration property_declaration "
        "local_function_statement",
        "using_directive",
    ),
    "css": _nodes("rule_set media_statement", "import_statement"),
    "cuda": _nodes("function_definition class_specifier struct_specifier", "preproc_include"),
    "dart": _nodes(
        "class_definition method_signature function_signature enum_declaration "
        "extension_declaration mixin_declaration",
        "import_or_export",
    ),
    "elixir": _nodes("call", head=r"def(?:p|module|macro|impl|protocol)?\b"),
    "elm": _nodes("value_declaration type_declaration type_alias_declaration", "import_clause"),
    "erlang": _nodes("fun_decl record_decl", "import_attribute pp_include"),
    "fortran": _nodes("function subroutine module program", "use_statement"),
    "go": _nodes(
        "function_declaration method_declaration type_declaration",
        "import_declaration",
        assigned=("(var_spec value: (expression_list (func_literal)))",),
    ),
    "graphql": _nodes("object_type_definition input_object_type_definition enum_type_definition"),
    "haskell": _nodes("function signature data_type class", "import"),
    "hcl": _nodes("block"),
    "java": _nodes(
        "method_declaration constructor_declaration class_declaration interface_declaration "
        "enum_declaration record_declaration annotation_type_declaration",
        "import_declaration",
        assigned=(
            "(field_declaration declarator: (variable_declarator "
            "value: (lambda_expression body: (block))))",
        ),
    ),
    "javascript": _nodes(
        _SCRIPT,
        "import_statement",
        assigned=(*_SCRIPT_ASSIGNED, f"(field_definition value: {_WITH_BODY})"),
    ),
    "julia": _nodes(
        "function_definition struct_definition module_definition macro_definition",
        "import_statement using_statement",
    ),
    "kotlin": _nodes("function_declaration class_declaration object_declaration", "import_header"),
    "lua": _nodes("function_declaration function_definition"),
    "nix": _nodes("binding"),
    "objc": _nodes(
        "function_definition method_definition class_interface class_implementation",
        "preproc_include",
    ),
    "ocaml": _nodes("value_definition type_definition module_definition", "open_module"),
    "pascal": _nodes("defProc declClass declType", "declUses"),
    "perl": _nodes("subroutine_declaration_statement", "use_statement"),
    "php": _nodes(
        "function_definition method_declaration class_declaration interface_declaration "
        "trait_declaration enum_declaration",
        "namespace_use_declaration",
    ),
    "powershell": _nodes("function_statement class_statement"),
    "proto": _nodes("message service enum rpc", "import"),
    "python": _nodes(
        "function_definition class_definition decorated_definition",
        "import_statement import_from_statement future_import_statement",
    ),
    "r": _nodes("function_definition"),
    "ruby": _nodes("method singleton_method class module"),
    "rust": _nodes(
        "function_item impl_item struct_item enum_item trait_item macro_definition",
        "use_declaration mod_item",
    ),
    "scala": _nodes(
        "function_definition class_definition object_definition trait_definition",
        "import_declaration",
    ),
    "scss": _nodes("rule_set mixin_statement function_statement", "import_statement use_statement"),
    "solidity": _nodes(
        "function_definition contract_declaration modifier_definition struct_declaration "
        "constructor_definition",
        "import_directive",
    ),
    "sql": _nodes("create_function create_table create_view"),
    "starlark": _nodes("function_definition"),
    "swift": _nodes(
        "function_declaration class_declaration protocol_declaration", "import_declaration"
    ),
    "terraform": _nodes("block"),
    "tsx": _nodes(_TYPED, "import_statement", assigned=_TYPED_ASSIGNED),
    "typescript": _nodes(_TYPED, "import_statement", assigned=_TYPED_ASSIGNED),
    "verilog": _nodes("module_declaration function_declaration task_declaration"),
    "zig": _nodes("Decl", head=r"(?:pub\s+|export\s+)?(?:fn|const)\b"),
}

#: Languages in which a call may have no parentheses: what is called is known by its name alone.
BARE_CALLS = frozenset(
    {"bash", "clojure", "elixir", "elm", "haskell", "lua", "nix", "ocaml", "perl", "powershell",
     "ruby", "scala"}
)  # fmt: skip

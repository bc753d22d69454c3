//! How a page comes to its program: the module is loaded and compiled from the page's first moment, while the rest of the
//! page is read and the script around the module arrives.
//!
//! Trunk's way is to ask for the module when everything else is there. Touches the page and the end of the script that
//! wasm-bindgen made, and nothing that the program calls.

use crate::sheets::next_link;

/// Where wasm-bindgen's own ways of loading begin, after everything that the program calls.
const OWN_LOADING: &str = "let wasmModule, wasmInstance, wasm;";
/// Waits for what the page began, with [`BEGIN`], and starts it.
const START: &str = "const wasm = (await WebAssembly.instantiate(await program, __wbg_get_imports())).exports;\n\
    wasm.__wbindgen_start();\n";
/// A server that does not call the module by its media type has it compiled once it is whole.
const BEGIN: &str = "<script>const address='/MODULE',program=WebAssembly.compileStreaming(fetch(address))\
    .catch(async()=>WebAssembly.compile(await(await fetch(address)).arrayBuffer()))</script>";

/// The script, which starts the program by itself; `None` when it is not one of wasm-bindgen's.
pub(crate) fn starting(script: &str) -> Option<String> {
    let (called, _) = script.split_once(OWN_LOADING)?;
    Some(format!("{called}{START}"))
}

/// The page, with the files of these names in place of those that trunk asks for; `None` when it is not one of trunk's.
pub(crate) fn loading(page: &str, script: &str, module: &str) -> Option<String> {
    let (before, rest) = page.split_once("<script type=module>")?;
    let (_, after) = rest.split_once("</script>")?;
    let page = format!("{before}<script type=module src=/{script}></script>{}", without_preloads(after));
    let first = page.find("<link")?;
    let (head, rest) = page.split_at(first);
    Some(format!("{head}{}{rest}", BEGIN.replace("MODULE", module)))
}

/// What is asked for anyway need not be announced.
fn without_preloads(page: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(page.len()), page);
    while let Some((before, tag, after)) = next_link(rest) {
        kept.push_str(before);
        if !tag.contains("preload") {
            kept.push_str(tag);
        }
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_with_its_module_before_anything_else_and_asks_for_nothing_twice() {
        let page = "<html><head><meta charset=utf-8><link href=a.css rel=stylesheet>\
            <script type=module>import init from '/ui-1.js';\nawait init('/ui-1_bg.wasm');</script>\
            <link crossorigin href=/ui-1.js rel=modulepreload><link as=fetch href=/ui-1_bg.wasm rel=preload>\
            <link href=b.svg rel=icon></head><body><script>a</script></body>";
        let begin = BEGIN.replace("MODULE", "new.wasm");
        let expected = format!(
            "<html><head><meta charset=utf-8>{begin}<link href=a.css rel=stylesheet>\
            <script type=module src=/new.js></script><link href=b.svg rel=icon></head><body><script>a</script></body>"
        );
        assert_eq!(loading(page, "new.js", "new.wasm"), Some(expected));
        assert_eq!(loading("<html><head></head>", "new.js", "new.wasm"), None);
    }

    #[test]
    fn a_script_starts_what_the_page_began_and_keeps_what_the_program_calls() {
        let script = format!(
            "function called() {{}}\n{OWN_LOADING}\nfunction initSync() {{}}\nexport {{ initSync }};"
        );
        assert_eq!(starting(&script), Some(format!("function called() {{}}\n{START}")));
        assert_eq!(starting("export default 1;"), None);
    }
}

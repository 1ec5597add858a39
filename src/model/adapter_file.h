/* Adapters in files: directories as PEFT's save_pretrained writes them, with adapter_config.json and adapter_model.safetensors; those
 * that this program wrote have rlaif.json beside, {base, base_hash, notes}. */
#ifndef MODEL_ADAPTER_FILE_H
#define MODEL_ADAPTER_FILE_H

#include "model/file/safetensors.h"
#include "model/lora.h"

#define ADAPTER_CONFIG "adapter_config.json"
#define ADAPTER_MODEL  "adapter_model.safetensors"
#define ADAPTER_OWN    "rlaif.json"

typedef struct AdapterFile {
    const char *dir;    /* borrowed */
    char *path[3];      /* of the three files */
    json_t *json, *own; /* own: NULL where another program wrote it */
    AdapterConfig config;
    Safetensors *tensors;
    char *base; /* where the model is that it adapts */
    int head;   /* HeadKind that it brings; 0: the base's own stands on it */
} AdapterFile;

/* Is it a directory with an adapter? */
bool adapter_is(const char *path);

/* Where the base is of those that name none that is here, until the program ends (--base); NULL: nowhere. */
void adapter_set_base(const char *base);

/* Is it an adapter that --base could be for: whose base is not where it says, or is just that? */
bool adapter_takes_base(const char *dir);

/* Reads what the directory says, and finds its base, which must be a model, and no adapter. */
bool adapter_open(AdapterFile *a, const char *dir, Err *err) MUST_CHECK;
void adapter_close(AdapterFile *a);

/* Sets the shapes of its matrices in the base's configuration. Fails for tensors of another base, a missing half, a tensor that has no
 * place, and where numbers and configuration disagree. */
bool adapter_shapes(const AdapterFile *a, ModelConfig *c, Err *err) MUST_CHECK;
/* Its numbers, and those of its head, into weights of these shapes. Fails for one that is not finite. */
bool adapter_numbers(const AdapterFile *a, Weights *w, const ModelConfig *c, int threads, Err *err) MUST_CHECK;

/* What is written beside the numbers: the path and the hash of the base ("": not known), and a model's notes, or NULL. */
typedef struct AdapterAbout {
    const char *base, *base_hash;
    json_t *notes;
} AdapterAbout;
/* Writes the adapter of these weights, and their scalar head, as such a directory; adapter_config.json comes last. */
bool adapter_save(const Weights *w, const ModelConfig *c, AdapterAbout about, const char *dir, Err *err) MUST_CHECK;

#endif

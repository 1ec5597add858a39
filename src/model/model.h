/* A model: configuration, weights on a device, tokenizer and chat template, and where it came from. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/file/dtype.h"
#include "model/model_hash.h"
#include "model/trunk.h"
#include "tensor/ops.h"
#include "text/chat.h"
#include "text/tokenizer.h"

typedef struct Model {
    ModelConfig config;
    Device *device;       /* borrowed */
    Weights w;            /* the trunk's, and heads */
    Trunk *trunk;         /* where those below the heads lie, perhaps for other models too */
    Tokenizer *tokenizer; /* shared by model_share */
    ChatTemplate *chat;   /* NULL: the model has none; perhaps one that cannot be read; shared by model_share */
    struct Model *lender; /* the model that owns tokenizer and chat; NULL: this one */
    char *base;           /* with an adapter: the path of the model that it adapts */
    json_t *notes;        /* config.json's "rlaif" object: centre and scale of a reward model, provenance */
    int date;             /* that its template is told, as chat_render takes it */
    bool
        whole_chats; /* with chat, rows are read as reward models of others read them: the template writes the reply, too */
    char *path;      /* as the user named it */
    float *rope_global, *rope_local; /* cos and sin of positions so far: [positions][half] each */
    int rope_positions;
} Model;

/* Loads a GGUF file or a Hugging Face directory (one that this program wrote included). `heads` says which
 * heads are wanted (HeadKind, or-ed); 0: what the file has. A head that the file lacks is zero: give it first
 * weights with model_init_head. Fails where HEAD_LM is wanted of a reward model, for a model that does not fit in memory, and
 * for one with a NaN or infinity. On a device with a library the trunk is shared with models of the same file. */
bool model_load(Model **out, const char *path, Device *device, int heads, Err *err) MUST_CHECK;

/* model_load without weights: configuration, tokenizer and template only. */
bool model_load_text(Model **out, const char *path, int heads, Err *err) MUST_CHECK;

/* A model on the trunk of `from`, with heads of its own: those that `from` has are copied, others are zero. The trunk goes with
 * its last model; for tokenizer and template `from` must live longer. */
bool model_share(Model **out, const Model *from, int heads, Err *err) MUST_CHECK;

/* Gives a model the adapter whose shapes `c` has, of zeros, or none: its heads stay as they are, and its trunk. */
bool model_adapt(Model *m, const ModelConfig *c, Err *err) MUST_CHECK;

/* The hash of the model under its adapter, trunk->hash, is known then: its files are read for it where neither the trunk nor the
 * library's store knows it. */
bool model_base_hash(Model *m, Err *err) MUST_CHECK;

/* Before it is trained: gives it a trunk of its own, a copy where others have the same one. */
bool model_own(Model *m, Err *err) MUST_CHECK;

void model_free(Model *m); /* accepts NULL */

/* Bytes of weights that come with this model to those of n others: 0 but for heads where one of them has its trunk. */
double model_own_bytes(const Model *m, Model *const *others, int n);

/* First weights of the reward or value head: normal with standard deviation 1 / (C + 1), by seed; the bias 0. Stiennon
 * et al. 2020 take its square root; then the first margins are of size 1, and a short training is spent on unlearning
 * them. */
void model_init_head(Model *m, uint64_t seed);

/* Is it a directory with a whole model, or an adapter? */
bool model_is_there(const char *dir);

/* Writes config.json, model.safetensors and the tokenizer's files into a directory, which is made; of a model with an adapter that
 * alone, as PEFT does (adapter_file.h). The value
 * head is left out where the model also has another head: it belongs to a trainer's state. */
bool model_save(const Model *m, const char *dir, Err *err) MUST_CHECK;
/* About the bytes of these files. */
double model_saved_bytes(const Model *m);
/* The same with weights of another type: F32, F16 or BF16. */
bool model_save_as(const Model *m, const char *dir, DType type, Err *err) MUST_CHECK;

/* Reads the weights of a directory into a model of the same configuration. */
bool model_read_weights(Model *m, const char *dir, Err *err) MUST_CHECK;

/* Bytes that a model at this path takes when it is loaded, read from its header alone. */
bool model_bytes(const char *path, int heads, size_t *bytes, ModelConfig *config, Err *err) MUST_CHECK;

/* Makes the rotary tables cover `positions`. */
bool model_reserve_positions(Model *m, int positions, Err *err) MUST_CHECK;
RopeTable model_rope(const Model *m, bool local);

#endif
